package redis

import (
	"slices"
	"time"
)

// A Schedule is one of Mastodon's jobs by the clock.
type Schedule struct {
	// Name is what sidekiq-scheduler calls it, Class the job's.
	Name, Class string
	// Every is the time between two runs.
	Every time.Duration
	// Cron is set where it runs at a time of the day; Mastodon draws the minute,
	// and some hours, anew at every start.
	Cron string
	// Since is the first Mastodon that has it, "" for all.
	Since string
}

// Schedules are the jobs by the clock of a version of Mastodon.
func Schedules(version string) []Schedule {
	const day = 24 * time.Hour
	all := []Schedule{
		{"scheduled_statuses_scheduler", "Scheduler::ScheduledStatusesScheduler", 5 * time.Minute, "", ""},
		{"trends_refresh_scheduler", "Scheduler::Trends::RefreshScheduler", 5 * time.Minute, "", ""},
		{"trends_review_notifications_scheduler", "Scheduler::Trends::ReviewNotificationsScheduler", 6 * time.Hour, "", ""},
		{"indexing_scheduler", "Scheduler::IndexingScheduler", time.Minute, "", ""},
		{"accounts_statuses_cleanup_scheduler", "Scheduler::AccountsStatusesCleanupScheduler", time.Minute, "", ""},
		{"suspended_user_cleanup_scheduler", "Scheduler::SuspendedUserCleanupScheduler", time.Minute, "", ""},
		{"software_update_check_scheduler", "Scheduler::SoftwareUpdateCheckScheduler", 30 * time.Minute, "", ""},
		{"auto_close_registrations_scheduler", "Scheduler::AutoCloseRegistrationsScheduler", time.Hour, "", ""},
		{"instance_refresh_scheduler", "Scheduler::InstanceRefreshScheduler", time.Hour, "0 * * * *", ""},
		{"vacuum_scheduler", "Scheduler::VacuumScheduler", day, "17 4 * * *", ""},
		{"follow_recommendations_scheduler", "Scheduler::FollowRecommendationsScheduler", day, "42 7 * * *", ""},
		{"user_cleanup_scheduler", "Scheduler::UserCleanupScheduler", day, "8 5 * * *", ""},
		{"ip_cleanup_scheduler", "Scheduler::IpCleanupScheduler", day, "51 3 * * *", ""},
		{"pghero_scheduler", "Scheduler::PgheroScheduler", day, "0 0 * * *", ""},
		{"fasp_follow_recommendation_cleanup_scheduler", "Scheduler::Fasp::FollowRecommendationCleanupScheduler", day, "", "4.4"},
		{"collection_item_cleanup_scheduler", "Scheduler::CollectionItemCleanupScheduler", time.Hour, "", "4.6"},
		{"repair_remote_collections_scheduler", "Scheduler::RepairRemoteCollectionsScheduler", day, "", "4.6"},
	}
	return slices.DeleteFunc(all, func(s Schedule) bool { return s.Since > version })
}

// Queues are the queues of a version of Mastodon, the heaviest first.
func Queues(version string) []string {
	all := []string{"default", "push", "ingress", "mailers", "pull", "scheduler"}
	if version >= "4.4" {
		all = append(all, "fasp")
	}
	return all
}

func weight(queue string) int {
	switch queue {
	case "default":
		return 8
	case "push":
		return 6
	case "ingress":
		return 4
	case "mailers":
		return 2
	}
	return 1
}

// release is the Sidekiq that comes with a version of Mastodon.
func release(version string) string {
	switch {
	case version >= "4.6":
		return "8.1.6"
	case version >= "4.5":
		return "8.0.9"
	case version >= "4.4":
		return "7.3.9"
	}
	return "6.5.12"
}
